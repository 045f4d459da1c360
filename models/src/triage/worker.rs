//! Workers: processes that run cases, so that a case which kills or hangs its process can be looked at too.
//!
//! The program starts itself with the verb `worker`. A request is a line of JSON and so is its answer. A worker that takes
//! too long over an op of a case, or an execution, ends itself, and one whose input ends, or whose parent is gone, does too.
//!
//! # Not here
//! Minimising in several of them: see `pool`.
//! # Checked by
//! `tests/triage.rs`.

use super::lab::{self, Lab, Look};
use super::sighting::{Came, HANG, Sighting};
use crate::case::Case;
use crate::engines;
use crate::property::Checks;
use crate::subjects::Subject;
use crate::trace::Event;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long an op of a case may take, or an execution, if it has several threads; the environment variable `CASE_SECONDS` says
/// otherwise.
const LIMIT: Duration = Duration::from_secs(15);
/// How long that of one like it may take, when a case is known to hang.
const LIMIT_HANG: Duration = Duration::from_secs(2);
/// A search under every engine may take longer: see `lab`.
const LIMIT_SEARCH: Duration = Duration::from_secs(60);
/// Failing runs leave their maps behind, so a worker is replaced now and then.
const RUNS_MAX: u32 = 5_000;

/// A line to a worker.
#[derive(Serialize, Deserialize)]
struct Request {
    run: Run,
    /// How long it may stand still.
    seconds: u64,
}

/// What it is to run.
#[derive(Serialize, Deserialize)]
enum Run {
    Case {
        subject: String,
        checks: Checks,
        case: String,
        look: Look,
        traced: bool,
    },
    /// An input of the fuzz target `schedules`.
    Bytes(Vec<u8>),
}

/// A line from it: of a trace, or the last one of an answer.
#[derive(Serialize, Deserialize)]
enum Line {
    Event(Event),
    Came(Came),
    /// The case stood still for too long, and this process ends.
    TooLong,
}

/// Answers requests from standard input until it ends.
pub fn serve() -> io::Result<()> {
    let begun = Arc::new(AtomicU64::new(0));
    watch(Arc::clone(&begun));
    for (number, line) in io::stdin().lock().lines().enumerate() {
        let request: Request = serde_json::from_str(&line?)?;
        // The number tells one request from the next, the low bits say how long it may stand still.
        begun.store((number as u64 + 1) << 32 | request.seconds, Ordering::Relaxed);
        let came = answer(&request.run);
        begun.store(0, Ordering::Relaxed);
        say(&Line::Came(came))?;
    }
    Ok(())
}

/// On a line of its own, whatever the map under test has said.
fn say(line: &Line) -> io::Result<()> {
    // Not by way of `Stdout`, which whoever hangs may have locked.
    let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    output.write_all(format!("\n{}\n", serde_json::to_string(line)?).as_bytes())
}

/// The next line of what a process says, which need not be UTF-8: the map under test may talk.
///
/// # Errors
/// When it cannot be read.
pub fn next_line(output: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    let length = output.read_until(b'\n', &mut line)?;
    if line.ends_with(b"\n") {
        line.pop();
    }
    Ok((length > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
}

/// This program, to be started once more: the one that runs, also if its file is gone or was built anew meanwhile.
///
/// # Errors
/// When it does not know where it is.
pub fn this_program() -> io::Result<Command> {
    if cfg!(not(target_os = "linux")) {
        return std::env::current_exe().map(Command::new);
    }
    let mut command = Command::new("/proc/self/exe");
    // It says how to start it again.
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    Ok(command)
}

/// Starts it.
///
/// # Errors
/// That it cannot be started.
pub fn start(command: &mut Command) -> io::Result<Child> {
    command.spawn().map_err(|error| {
        let message = format!("{} cannot be started: {error}", command.get_program().display());
        io::Error::new(error.kind(), message)
    })
}

/// A command without what would have the same seed mean another run: shuttle takes one from its environment, whatever it is told.
pub fn bare(mut command: Command) -> Command {
    command.env_remove("SHUTTLE_RANDOM_SEED");
    command
}

fn answer(run: &Run) -> Came {
    let (subject, checks, case, look, traced) = match run {
        Run::Case { subject, checks, case, look, traced } => (subject, checks, case, look, traced),
        Run::Bytes(bytes) => return lab::run_bytes(bytes),
    };
    match (Subject::known(subject), Case::parse(case)) {
        (Ok(subject), Ok(case)) => {
            let lab = Lab { subject, checks: *checks };
            match traced {
                // A parent that does not listen any more ends this process.
                true => lab::traced(lab, &case, |event| drop(say(&Line::Event(event.clone())))),
                false => lab::run(lab, &case, *look),
            }
        }
        (Err(error), _) => Came::Unfit(error),
        (_, Err(error)) => Came::Unfit(error.to_string()),
    }
}

/// Ends the process when a request stands still for too long. One with much to do may take its time.
fn watch(begun: Arc<AtomicU64>) {
    std::thread::spawn(move || {
        let step = Duration::from_millis(250);
        let (mut last, mut spent) = ((0, 0), Duration::ZERO);
        loop {
            std::thread::sleep(step);
            let now = begun.load(Ordering::Relaxed);
            let at = (now, engines::pulse(0));
            spent = if at == last { spent + step } else { Duration::ZERO };
            last = at;
            let is_busy = now != 0;
            if is_busy && spent >= Duration::from_secs(now & u64::from(u32::MAX)) {
                // If that cannot be said, nobody listens any more.
                let _ = say(&Line::TooLong);
                std::process::exit(1);
            }
        }
    });
}

fn limit() -> Duration {
    let given = std::env::var("CASE_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    given.map_or(LIMIT, Duration::from_secs)
}

/// A process that runs cases.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    heard: bool,
    /// How long a case may stand still.
    limit: Duration,
    runs: u32,
}

impl Worker {
    /// Starts one.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start() -> io::Result<Worker> {
        Worker::with(false)
    }

    /// Starts one that is heard: what the map says, and its last words.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn heard() -> io::Result<Worker> {
        Worker::with(true)
    }

    fn with(heard: bool) -> io::Result<Worker> {
        let mut command = bare(this_program()?);
        command.args(["--child-of", &std::process::id().to_string(), "worker"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(if heard { Stdio::inherit() } else { Stdio::null() });
        // A ctrl-C at the terminal is for the parent alone.
        command.process_group(0);
        let mut child = start(&mut command)?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let output = BufReader::new(output);
        Ok(Worker { child, input, output, heard, limit: limit(), runs: 0 })
    }

    /// Another process in place of this one.
    fn renew(&mut self) -> io::Result<()> {
        let limit = self.limit;
        *self = Worker::with(self.heard)?;
        self.limit = limit;
        Ok(())
    }

    /// Nobody waits long for what is expected to be like this.
    pub fn expect(&mut self, sighting: &Sighting) {
        if sighting.oracle == HANG {
            self.limit = self.limit.min(LIMIT_HANG);
        }
    }

    /// Runs a case in it. If the worker does not survive that, another takes its place.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn run(&mut self, lab: Lab, case: &Case, look: Look) -> io::Result<Came> {
        self.ask(lab, case, look, false).map(|(came, _)| came)
    }

    /// The same, at the case's own schedule, with a trace. If the process did not survive, that breaks off there, and what is
    /// seen says in which op.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn trace(&mut self, lab: Lab, case: &Case) -> io::Result<(Came, Vec<Event>)> {
        let (mut came, events) = self.ask(lab, case, Look::Once, true)?;
        if let Came::Failed(sighting) = &mut came {
            sighting.locate(case, &events);
        }
        Ok((came, events))
    }

    /// Runs an input of the fuzz target `schedules`, once, by the schedule in it.
    ///
    /// # Errors
    /// When no process can be started.
    pub fn run_bytes(&mut self, bytes: &[u8]) -> io::Result<Came> {
        let request = Request { run: Run::Bytes(bytes.to_vec()), seconds: self.limit.as_secs() };
        self.send(&request).map(|(came, _)| came)
    }

    fn ask(
        &mut self,
        lab: Lab,
        case: &Case,
        look: Look,
        traced: bool,
    ) -> io::Result<(Came, Vec<Event>)> {
        let searches = !case.is_sequential() && case.schedule.is_empty();
        let seconds = if searches { LIMIT_SEARCH } else { self.limit }.as_secs();
        let (subject, checks, case) = (lab.subject.to_string(), lab.checks, case.to_string());
        self.send(&Request { run: Run::Case { subject, checks, case, look, traced }, seconds })
    }

    fn send(&mut self, request: &Request) -> io::Result<(Came, Vec<Event>)> {
        if self.runs >= RUNS_MAX {
            self.renew()?;
        }
        self.runs += 1;
        let mut line = serde_json::to_string(request)?;
        line.push('\n');
        let (mut events, mut too_long) = (Vec::new(), false);
        let sent = match &mut self.input {
            Some(input) => input.write_all(line.as_bytes()).and_then(|()| input.flush()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        // A worker that is gone says so by the end of its output.
        while sent.is_ok()
            && let Some(answer) = next_line(&mut self.output)?
        {
            match serde_json::from_str(&answer) {
                Ok(Line::Came(came)) => return Ok((came, events)),
                Ok(Line::Event(event)) => events.push(event),
                Ok(Line::TooLong) => too_long = true,
                // The map under test may talk.
                Err(_) if self.heard && !answer.is_empty() => println!("{answer}"),
                Err(_) => {}
            }
        }
        let ended = self.child.wait()?;
        self.renew()?;
        let sighting = if too_long {
            Sighting::of_a_hang(format!("the run has not come to an end in {} s", request.seconds))
        } else {
            ended_by(ended)
        };
        Ok((Came::Failed(Box::new(sighting)), events))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends when its input does; one that is busy is not waited for.
        self.input = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process says that ended before its time.
pub fn ended_by(ended: ExitStatus) -> Sighting {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&ended);
    #[cfg(not(unix))]
    let signal: Option<i32> = None;
    let detail = match (signal, ended.code()) {
        (Some(signal), _) => format!("the process was ended by {}", name_of(signal)),
        (None, code) => format!("the process exited with {}", code.unwrap_or(-1)),
    };
    Sighting::of_a_crash(detail)
}

fn name_of(signal: i32) -> String {
    match signal {
        4 => "SIGILL".to_string(),
        6 => "SIGABRT".to_string(),
        7 => "SIGBUS".to_string(),
        9 => "SIGKILL".to_string(),
        11 => "SIGSEGV".to_string(),
        other => format!("signal {other}"),
    }
}

/// What came of a case, and if the process did not survive it: where. That takes another run.
///
/// # Errors
/// When no process can be started.
pub fn located(lab: Lab, case: &Case, came: Came) -> io::Result<Came> {
    match &came {
        Came::Failed(seen) if seen.ended_its_process() && case.is_sequential() => {
            let mut worker = Worker::start()?;
            worker.expect(seen);
            let (again, _) = worker.trace(lab, case)?;
            let is_same = matches!(&again, Came::Failed(other) if other.is_like(seen));
            Ok(if is_same { again } else { came })
        }
        _ => Ok(came),
    }
}
