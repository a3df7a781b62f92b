//! One size of picture, frame after frame.

use std::sync::Arc;

use frame::{RgbF32, Size};

use super::arena::Arena;
use super::exec::Machine;
use super::kernels::Kernels;
use super::plan::Plan;
use super::program::{Program, StageOp};
use super::team::{EndOnPanic, Meeting, Over, Team};
use crate::{Error, RowBand, Session};

/// The plan and the memory for one size, and the threads that run it.
pub(crate) struct CpuSession {
    work: Arc<Work>,
    team: Team,
}

/// What all threads of a session share.
struct Work {
    program: Arc<Program>,
    plan: Plan,
    arena: Arena,
    kernels: &'static Kernels,
}

/// What only the calling thread has: the picture, and who gets the rows.
type Caller<'a> = (&'a RgbF32, &'a mut dyn FnMut(RowBand<'_>));

impl CpuSession {
    pub(crate) fn new(
        program: Arc<Program>,
        kernels: &'static Kernels,
        input: Size,
        threads: usize,
    ) -> Result<Self, Error> {
        let plan = Plan::new(&program, input, threads)?;
        let arena = Arena::new(plan.floats).ok_or(Error::Memory { size: input, bytes: plan.bytes() })?;
        let work = Arc::new(Work { program, plan, arena, kernels });
        let shared = Arc::clone(&work);
        let team = Team::start(threads, move |thread, meeting: &Meeting| shared.frame(thread, meeting, None))
            .map_err(|error| Error::Threads(error.to_string()))?;
        Ok(Self { work, team })
    }
}

impl Session for CpuSession {
    fn run(&mut self, input: &RgbF32, rows: &mut dyn FnMut(RowBand<'_>)) -> Result<(), Error> {
        if input.size() != self.work.plan.input {
            return Err(Error::Size { expected: self.work.plan.input, found: input.size() });
        }
        let meeting = self.team.meeting();
        let _guard = EndOnPanic(meeting);
        self.work.frame(0, meeting, Some((input, rows))).map_err(|Over| Error::Failed)
    }

    fn memory(&self) -> u64 {
        self.work.plan.bytes()
    }
}

impl Work {
    /// One thread's part of one frame. The thread that has the `caller`'s picture is number 0.
    fn frame(&self, thread: usize, meeting: &Meeting, mut caller: Option<Caller<'_>>) -> Result<(), Over> {
        let machine =
            Machine { program: &self.program, plan: &self.plan, arena: &self.arena, kernels: self.kernels };
        meeting.wait()?;
        for instruction in &self.plan.instructions {
            let op = &self.program.stages[instruction.stage].op;
            if let StageOp::Load { .. } = op {
                if let Some((input, _)) = &caller {
                    machine.load(instruction, input);
                }
            } else {
                while let Some(task) = meeting.take(instruction.tasks) {
                    machine.run(instruction, task, thread);
                }
            }
            meeting.wait()?;
            if let (StageOp::Emit { .. }, Some((_, rows))) = (op, &mut caller) {
                rows(RowBand {
                    y: instruction.rows.start as u32,
                    rows: instruction.rows.len() as u32,
                    width: self.plan.output.width,
                    planes: machine.band(instruction),
                });
            }
        }
        Ok(())
    }
}
