/* What tests ask of the double and tell it. The tests are in Rust, and find these functions by name.

   The double counts every message by its selector. A message can be told to fail; so can `completion`, the end of a run that
   has a completion handler.

   Numbers that can be set (and what they are at first):
   - `stale` (0): not 0 makes everything that is in the cache now unfit for loading, until it is purged or compiled again;
   - `gate` (0): whether hardware counters are open, as with the boot argument `anedebug=1`;
   - `plane_padding` (0): bytes behind each plane and each sample of programs compiled from now on, in steps of 64;
   - `compile_delay`, `completion_delay` (0): milliseconds that compiling takes once it has written its files, and that a run
     with a completion handler takes;
   - `has_ane` (1), `engines` (1), `cores` (16), `board` (272), `virtual_machine` (0), `internal_build` (0).
   Numbers to read:
   - `cached`, `loaded`: programs in the cache, and loaded;
   - `mapped`: requests whose surfaces are mapped;
   - `in_flight`, `most_in_flight`: runs with a completion handler;
   - `qos`: of the last message that had one; `load_mask`, `evaluate_mask`: the masks of statistics of the last load and run;
   - `faults`: misuse that the real framework may bear in silence, such as freeing a program that is loaded. Each is printed.
   Texts that can be set: `architecture` (at first what the variable `ANEMONE_DOUBLE_ARCHITECTURE` says, or `h16g`),
   `sub_type`, `product`, `build`. */
#ifndef ANEMONE_SWITCHES_H
#define ANEMONE_SWITCHES_H

enum double_failure {
    DOUBLE_NIL,       /* nil, or NO without an error */
    DOUBLE_ERROR,     /* nil, or NO with an error */
    DOUBLE_EXCEPTION, /* an NSException */
    DOUBLE_OBJECT     /* an object is thrown that is no NSException */
};

/* The next message with this selector fails; `domain`, `code` and `text` are those of the error, or of the exception's name
   and reason. Messages that are told twice fail twice. */
void double_fail_next(const char *selector, int how, const char *domain, long code, const char *text);
/* The error that was told last gets an error below it, with an error below that if this is called again. */
void double_underlying(const char *domain, long code, const char *text);
/* How many messages with this selector there were. */
long double_calls(const char *selector);
/* How many objects of a class there are, or of all if it is `NULL`; `IOSurface` counts surfaces. */
long double_live(const char *class_name);
void double_set(const char *name, long value);
long double_get(const char *name);
void double_set_text(const char *name, const char *value);
/* Empties the cache, takes back what was told, sets all numbers and counts to what they were at first. */
void double_reset(void);
#endif
