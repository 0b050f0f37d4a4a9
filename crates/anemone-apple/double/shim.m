/* What objc2 asks of an Objective-C runtime and gcc's libobjc does not have: reference counting by functions, and classes
   that can be linked to. */
#import <Foundation/Foundation.h>
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

id objc_retain(id object) { return [object retain]; }
void objc_release(id object) { [object release]; }
id objc_autorelease(id object) { return [object autorelease]; }
id objc_autoreleaseReturnValue(id object) { return [object autorelease]; }
id objc_retainAutorelease(id object) { return [[object retain] autorelease]; }
id objc_retainAutoreleaseReturnValue(id object) { return [[object retain] autorelease]; }
id objc_retainAutoreleasedReturnValue(id object) { return [object retain]; }
void *objc_autoreleasePoolPush(void) { return [NSAutoreleasePool new]; }
void objc_autoreleasePoolPop(void *pool) { [(NSAutoreleasePool *)pool release]; }

/* clang exports each class as `_OBJC_CLASS_<name>`, and objc2 links to that; gcc exports nothing of the kind. The linker gets
   a byte to bind to, and before `main` every slot that it has bound there is pointed at the class. A name that is missing here
   is an error of the linker. */
#define CLASS(name) char _OBJC_CLASS_##name[1];
CLASS(NSArray)
CLASS(NSData)
CLASS(NSDictionary)
CLASS(NSEnumerator)
CLASS(NSError)
CLASS(NSException)
CLASS(NSMutableArray)
CLASS(NSMutableData)
CLASS(NSMutableDictionary)
CLASS(NSMutableString)
CLASS(NSNumber)
CLASS(NSObject)
CLASS(NSString)
CLASS(NSURL)
CLASS(NSUUID)
CLASS(NSValue)

#define PREFIX "_OBJC_CLASS_"

/* The parts of a loaded object's dynamic section that tell of relocations. */
struct dynamic {
    const ElfW(Sym) *symbols;
    const char *strings;
    const ElfW(Rela) *relocations[2];
    size_t bytes[2];
};

static struct dynamic read_dynamic(const struct dl_phdr_info *object)
{
    struct dynamic found = {0};
    for (int i = 0; i < object->dlpi_phnum; i++) {
        if (object->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
        const ElfW(Dyn) *entry = (void *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
        for (; entry->d_tag; entry++) {
            /* glibc has relocated these addresses in most objects, the kernel's own object has them as they are. */
            ElfW(Addr) at = entry->d_un.d_ptr;
            if (at < object->dlpi_addr) at += object->dlpi_addr;
            switch (entry->d_tag) {
            case DT_SYMTAB: found.symbols = (void *)at; break;
            case DT_STRTAB: found.strings = (void *)at; break;
            case DT_RELA: found.relocations[0] = (void *)at; break;
            case DT_RELASZ: found.bytes[0] = entry->d_un.d_val; break;
            case DT_JMPREL: found.relocations[1] = (void *)at; break;
            case DT_PLTRELSZ: found.bytes[1] = entry->d_un.d_val; break;
            }
        }
    }
    return found;
}

static void point_at_class(void **slot, const char *name)
{
    Class class = objc_getClass(name);
    if (!class) {
        fprintf(stderr, "the double's shim: GNUstep has no class %s\n", name);
        abort();
    }
    size_t page = sysconf(_SC_PAGESIZE);
    /* The slot is read-only once the loader is done; it may lie across the end of a page. */
    mprotect((void *)((size_t)slot & ~(page - 1)), 2 * page, PROT_READ | PROT_WRITE);
    *slot = (void *)class;
}

static int fix_object(struct dl_phdr_info *object, size_t size, void *context)
{
    (void)size, (void)context;
    struct dynamic dynamic = read_dynamic(object);
    if (!dynamic.symbols || !dynamic.strings) return 0;
    for (int kind = 0; kind < 2; kind++) {
        size_t count = dynamic.bytes[kind] / sizeof(ElfW(Rela));
        for (size_t i = 0; dynamic.relocations[kind] && i < count; i++) {
            const ElfW(Rela) *relocation = &dynamic.relocations[kind][i];
            const char *name = dynamic.strings + dynamic.symbols[ELF64_R_SYM(relocation->r_info)].st_name;
            if (!ELF64_R_SYM(relocation->r_info) || strncmp(name, PREFIX, strlen(PREFIX))) continue;
            unsigned type = ELF64_R_TYPE(relocation->r_info);
            if (type != R_X86_64_GLOB_DAT && type != R_X86_64_64) {
                fprintf(stderr, "the double's shim: a relocation of type %u for %s\n", type, name);
                abort();
            }
            point_at_class((void *)(object->dlpi_addr + relocation->r_offset), name + strlen(PREFIX));
        }
    }
    return 0;
}

@interface DoubleShim : NSObject
@end

@implementation DoubleShim
/* Sent before `main`, once the runtime knows this file's selectors, which it does not in a constructor. */
+ (void) load
{
    dl_iterate_phdr(fix_object, NULL);
    /* The first thread that GNUstep sees is the main one to it, and the process ends with that. */
    NSAutoreleasePool *pool = [NSAutoreleasePool new];
    [NSThread currentThread];
    [pool release];
}
@end
