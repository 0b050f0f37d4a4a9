//! Runs that are not waited for.

use crate::bed::{Bed, bed, child, floats, said, soon, surface, surface_of};
use crate::double::{self, CODE, How};
use crate::programs;
use anemone_apple::{Error, Framework, Model, Options, Source, Stage, Submission, Surface};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// Milliseconds that a run takes: more than this machine needs to submit a few, however busy it is.
const DELAY: i64 = 250;

/// `x - 1` on surfaces of its own.
struct Job {
    model: Model,
    inputs: [Surface; 2],
    output: Surface,
}

impl Job {
    fn new(model: &Model, value: f32) -> Job {
        let ports = &model.procedures()[0];
        let input = |port, value| surface_of(port, &[value; 3], f32::to_le_bytes);
        let inputs = [input(&ports.inputs[0], 1.0), input(&ports.inputs[1], value)];
        Job { model: model.clone(), inputs, output: surface(&ports.outputs[0], 0) }
    }

    fn submit(&self) -> Submission {
        self.model.submit(0, &[&self.inputs[0], &self.inputs[1]], &[&self.output]).unwrap()
    }

    fn result(&self) -> Vec<f32> {
        floats(&self.model.procedures()[0].outputs[0], &self.output)
    }
}

fn load(bed: &Bed) -> Model {
    bed.load(&programs::difference(&[1, 3]))
}

#[test]
fn a_run_is_under_way_until_it_is_done() {
    let bed = bed();
    let job = Job::new(&load(&bed), 5.0);
    double::set("completion_delay", DELAY);
    let submission = job.submit();
    assert!(!submission.is_finished());
    assert_eq!(double::get("in_flight"), 1);
    // Its surfaces are its own meanwhile.
    assert!(matches!(job.output.read(), Err(Error::Busy(_))) && matches!(job.inputs[1].write(), Err(Error::Busy(_))));
    assert!(job.inputs[1].read().is_ok(), "what it reads may be read");
    let submission = submission.wait_for(Duration::from_millis(5)).unwrap_err();
    submission.wait().unwrap();
    assert_eq!(job.result(), [4.0; 3]);
    assert!(job.inputs[1].write().is_ok());
    let submission = job.submit();
    assert!(soon(|| submission.is_finished()));
    submission.wait_for(Duration::ZERO).unwrap().unwrap();
    job.submit().wait_for(Duration::MAX).unwrap().unwrap();
}

/// Wakes a thread.
struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let (mut future, mut context) = (pin!(future), Context::from_waker(&waker));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn a_submission_is_a_future() {
    let bed = bed();
    let model = load(&bed);
    double::set("completion_delay", 20);
    let jobs = [Job::new(&model, 3.0), Job::new(&model, 4.0)];
    let [first, second] = jobs.each_ref().map(Job::submit);
    block_on(async {
        first.await.unwrap();
        second.await.unwrap();
    });
    assert_eq!(jobs.each_ref().map(Job::result), [vec![2.0; 3], vec![3.0; 3]]);
}

#[test]
fn two_are_under_way_at_once_and_the_third_waits() {
    let bed = bed();
    let model = load(&bed);
    double::set("completion_delay", DELAY);
    let jobs: Vec<_> = (0..6).map(|i| Job::new(&model, i as f32)).collect();
    let start = Instant::now();
    let submissions: Vec<_> = jobs.iter().map(Job::submit).collect();
    // The last two were submitted when four had ended, two at a time.
    assert!(start.elapsed() >= Duration::from_millis(2 * DELAY as u64), "{:?}", start.elapsed());
    submissions.into_iter().for_each(|s| s.wait().unwrap());
    assert_eq!(double::get("most_in_flight"), 2);
    jobs.iter().enumerate().for_each(|(i, job)| assert_eq!(job.result(), [i as f32 - 1.0; 3]));

    let running: Vec<_> = jobs[..2].iter().map(Job::submit).collect();
    let third = model.try_submit(0, &[&jobs[2].inputs[0], &jobs[2].inputs[1]], &[&jobs[2].output]);
    assert!(third.unwrap().is_none());
    running.into_iter().for_each(|s| s.wait().unwrap());
}

#[test]
fn as_many_are_under_way_as_the_options_say() {
    let bed = bed();
    let mut options = Options::default();
    options.in_flight = 4;
    let model = bed.try_load(&programs::difference(&[1, 3]), options).unwrap();
    double::set("completion_delay", DELAY);
    let jobs: Vec<_> = (0..8).map(|i| Job::new(&model, i as f32)).collect();
    let submissions: Vec<_> = jobs.iter().map(Job::submit).collect();
    submissions.into_iter().for_each(|s| s.wait().unwrap());
    assert_eq!(double::get("most_in_flight"), 4);
}

#[test]
fn a_dropped_submission_waits_and_keeps_the_program() {
    let bed = bed();
    let job = Job::new(&load(&bed), 9.0);
    double::set("completion_delay", 50);
    let Job { model, inputs, output } = job;
    let submission = model.submit(0, &[&inputs[0], &inputs[1]], &[&output]).unwrap();
    drop(model);
    assert_eq!(double::get("loaded"), 1, "the run needs it");
    drop(submission);
    assert!(output.read().is_ok());
    assert!(soon(|| double::get("loaded") == 0));
}

#[test]
fn a_failing_run_says_so() {
    let bed = bed();
    let job = Job::new(&load(&bed), 5.0);
    double::fail_next("completion", How::Error);
    let error = job.submit().wait().unwrap_err();
    assert_eq!((error.stage(), error.ns_error().map(|e| e.code)), (Some(Stage::Evaluate), Some(CODE)));
    double::fail_next("completion", How::Nil);
    let error = block_on(job.submit()).unwrap_err();
    assert!(matches!(error, Error::Failed { error: None, .. }), "{error}");
    for how in How::ALL {
        for selector in ["setCompletionHandler:", "evaluateWithModel:options:request:qos:error:"] {
            if selector == "setCompletionHandler:" && matches!(how, How::Nil | How::Error) {
                continue; // It returns nothing.
            }
            double::fail_next(selector, how);
            assert_eq!(job.submit().wait().unwrap_err().stage(), Some(Stage::Evaluate), "{selector} {how:?}");
        }
    }
    // None of them kept its place or its surfaces.
    (0..3).for_each(|_| job.submit().wait().unwrap());
    assert_eq!(job.result(), [4.0; 3]);
}

#[test]
fn leaving_a_submission_unwatched_harms_nothing() {
    said(&child("submit::left_unwatched", &[]));
}

#[test]
#[ignore = "run in a process of its own"]
fn left_unwatched() {
    let text = programs::difference(&[1, 3]);
    let source = Source { text: text.as_bytes(), weights: &[] };
    let job = Job::new(&Model::new(Framework::get().unwrap(), &source, Options::default()).unwrap(), 5.0);
    double::set("completion_delay", 20);
    std::mem::forget(job.submit());
    assert!(soon(|| job.output.read().is_ok()), "the surfaces come back when the run is done");
    assert_eq!(job.result(), [4.0; 3]);
    drop(job);
    // The forgotten one keeps the program for good, and nothing else.
    let objects = ["_ANEInMemoryModel", "_ANEInMemoryModelDescriptor", "_ANEModel", "_ANEProgramForEvaluation"];
    assert!(soon(|| objects.map(double::live_of) == [1; 4] && double::live() == 4));
    assert_eq!(double::get("faults"), 0);
}
