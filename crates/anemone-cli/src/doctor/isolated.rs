//! Asking a process that may crash or hang.

use super::worker::{Answer, Request};
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Questions to one process, which is made anew when it is gone. After [`BATCH`] questions there is a new one in any case: Apple's
/// compiler is said to give up after about 119 programs of a process.
pub(crate) struct Isolated {
    command: Box<dyn Fn() -> Command>,
    patience: Duration,
    worker: Option<Worker>,
}

/// What one process is asked at most.
const BATCH: usize = 50;
/// What is kept of what a process says on its standard error.
const TAIL: usize = 2000;
/// How long a process that has been asked to go, or has closed its answers, may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why there is no answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Lost {
    /// The process ended; how, and its last words.
    Crashed(String),
    /// It took too long, and was ended.
    TimedOut(Duration),
    /// It cannot be started, or does not speak as it should.
    Broken(String),
}

impl Lost {
    pub(crate) fn message(&self) -> String {
        match self {
            Lost::Crashed(how) => format!("the process ended: {how}"),
            Lost::TimedOut(limit) => {
                format!("there was no answer within {} s; the process was ended", limit.as_secs_f64())
            }
            Lost::Broken(why) => why.clone(),
        }
    }
}

impl Isolated {
    /// Processes that `command` makes; each answer may take as long as `patience`.
    pub(crate) fn new(patience: Duration, command: impl Fn() -> Command + 'static) -> Isolated {
        Isolated { command: Box::new(command), patience, worker: None }
    }

    /// Asks, and waits for the answer.
    pub(crate) fn ask(&mut self, request: &Request) -> Result<Answer, Lost> {
        if self.worker.as_ref().is_some_and(|worker| worker.asked == BATCH) {
            self.worker = None;
        }
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start((self.command)())?,
        };
        let answer = worker.ask(request, self.patience)?;
        self.worker = Some(worker);
        Ok(answer)
    }
}

/// A process. It is ended when this is dropped.
struct Worker {
    child: Child,
    stdin: Option<ChildStdin>,
    answers: Receiver<Answer>,
    last_words: Arc<Mutex<VecDeque<u8>>>,
    listener: Option<JoinHandle<()>>,
    asked: usize,
}

impl Worker {
    fn start(mut command: Command) -> Result<Worker, Lost> {
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|e| Lost::Broken(format!("cannot start {program}: {e}")))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let (send, answers) = mpsc::channel();
        std::thread::spawn(move || {
            // What is no answer is the framework talking to itself.
            let lines = stdout.into_iter().flat_map(|out| BufReader::new(out).lines());
            let lines = lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok());
            for answer in lines {
                if send.send(answer).is_err() {
                    break;
                }
            }
        });
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let heard = Arc::clone(&last_words);
        let listener = std::thread::spawn(move || {
            let Some(mut stderr) = stderr else { return };
            let mut piece = [0; 1024];
            while let Ok(n @ 1..) = stderr.read(&mut piece) {
                let mut kept = heard.lock().unwrap_or_else(|e| e.into_inner());
                kept.extend(&piece[..n]);
                let surplus = kept.len().saturating_sub(TAIL);
                kept.drain(..surplus);
            }
        });
        let stdin = child.stdin.take();
        Ok(Worker { child, stdin, answers, last_words, listener: Some(listener), asked: 0 })
    }

    fn ask(&mut self, request: &Request, patience: Duration) -> Result<Answer, Lost> {
        self.asked += 1;
        let line = serde_json::to_string(request).map_err(|e| Lost::Broken(e.to_string()))?;
        let sent = self.stdin.as_mut().map(|stdin| writeln!(stdin, "{line}").and_then(|()| stdin.flush()));
        if !matches!(sent, Some(Ok(()))) {
            return Err(self.crashed());
        }
        match self.answers.recv_timeout(patience) {
            Ok(Answer::Wrong(why)) => Err(Lost::Broken(why)),
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Timeout) => Err(Lost::TimedOut(patience)),
            Err(RecvTimeoutError::Disconnected) => Err(self.crashed()),
        }
    }

    /// How the process ended, which has closed its answers.
    fn crashed(&mut self) -> Lost {
        let Some(status) = self.wait() else { return Lost::Crashed("it closed its answers, and was ended".to_owned()) };
        // Everything is heard, since the process is gone; unless it has left others that hold its standard error.
        if let Some(listener) = self.listener.take() {
            let until = Instant::now() + FAREWELL;
            while !listener.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let mut words = self.last_words.lock().unwrap_or_else(|e| e.into_inner());
        let words = String::from_utf8_lossy(words.make_contiguous()).trim().to_owned();
        let how = describe(status);
        Lost::Crashed(if words.is_empty() { how } else { format!("{how}; its last words: {words}") })
    }

    fn wait(&mut self) -> Option<ExitStatus> {
        self.stdin = None;
        let until = Instant::now() + FAREWELL;
        while Instant::now() < until {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stdin = None;
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `signal 11 (segmentation fault)`, `exit status: 101`.
fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        let name = match signal {
            4 => " (illegal instruction)",
            5 => " (trap)",
            6 => " (abort)",
            8 => " (arithmetic error)",
            9 => " (killed: out of memory, perhaps)",
            // Buses have other numbers on Linux and macOS.
            7 | 10 => " (bus error)",
            11 => " (segmentation fault)",
            _ => "",
        };
        return format!("signal {signal}{name}");
    }
    status.to_string()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use anemone_conformance::Outcome;

    /// A worker in the language of the shell: `$line` is the request.
    fn isolated(script: &'static str, patience: u64) -> Isolated {
        Isolated::new(Duration::from_millis(patience), move || {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", &format!("answer='{{\"paths\":[\"a\"]}}'; while read -r line; do {script}; done")]);
            command
        })
    }

    fn ask(isolated: &mut Isolated, what: &str) -> Result<Answer, Lost> {
        isolated.ask(&Request::Program(what.to_owned()))
    }

    #[test]
    fn answers_come_between_other_words() {
        let mut isolated = isolated("echo NSLog says hello; echo noise >&2; echo \"$answer\"", 5000);
        for _ in 0..3 {
            assert_eq!(ask(&mut isolated, "x"), Ok(Answer::Paths(vec!["a".to_owned()])));
        }
    }

    #[test]
    fn a_crash_costs_one_answer() {
        let mut isolated = isolated(
            "case $line in *bad*) echo it broke >&2; kill -SEGV $$;; *gone*) exit 3;; *) echo \"$answer\";; esac",
            5000,
        );
        assert!(ask(&mut isolated, "good").is_ok());
        let Err(Lost::Crashed(how)) = ask(&mut isolated, "bad") else { panic!() };
        assert_eq!(how, "signal 11 (segmentation fault); its last words: it broke");
        assert!(ask(&mut isolated, "good").is_ok());
        let Err(Lost::Crashed(how)) = ask(&mut isolated, "gone") else { panic!() };
        assert!(how.contains('3'), "{how}");
        assert!(ask(&mut isolated, "good").is_ok());
    }

    #[test]
    fn a_hang_costs_one_answer() {
        let mut isolated = isolated("case $line in *slow*) exec sleep 600;; *) echo \"$answer\";; esac", 300);
        let begin = Instant::now();
        assert_eq!(ask(&mut isolated, "slow"), Err(Lost::TimedOut(Duration::from_millis(300))));
        assert!(begin.elapsed() < Duration::from_secs(60));
        assert!(ask(&mut isolated, "quick").is_ok());
    }

    #[test]
    fn a_process_is_asked_so_often_and_no_more() {
        let mut isolated = isolated("echo \"{\\\"paths\\\":[\\\"$$\\\"]}\"", 5000);
        let mut processes: Vec<Answer> = (0..2 * BATCH + 1).map(|_| ask(&mut isolated, "x").unwrap()).collect();
        processes.dedup();
        assert_eq!(processes.len(), 3);
    }

    #[test]
    fn what_cannot_be_started_says_so() {
        let mut isolated = Isolated::new(Duration::from_secs(1), || Command::new("/does/not/exist"));
        let Err(Lost::Broken(why)) = ask(&mut isolated, "x") else { panic!() };
        assert!(why.contains("/does/not/exist"), "{why}");
    }

    #[test]
    fn questions_and_answers_survive_their_text() {
        let outcome = Answer::Program(Box::new(Outcome { compile_seconds: Some(0.5), ..Outcome::default() }));
        let text = serde_json::to_string(&outcome).unwrap();
        assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), outcome);
    }
}
