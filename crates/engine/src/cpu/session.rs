//! One size of picture, frame after frame.

use std::sync::Arc;

use frame::RgbF32;

use super::arena::Arena;
use super::exec::{InputSlot, Machine};
use super::kernels::Kernels;
use super::plan::{BANDS, Plan};
use super::program::Program;
use super::team::{Cancelled, EndOnPanic, FrameSchedule, Team};
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
    input: InputSlot,
}

impl CpuSession {
    pub(crate) fn new(
        program: Arc<Program>,
        kernels: &'static Kernels,
        plan: Plan,
        threads: usize,
    ) -> Result<Self, Error> {
        let arena = Arena::new(plan.floats).ok_or(Error::Memory { size: plan.input, bytes: plan.bytes() })?;
        let work = Arc::new(Work { program, plan, arena, kernels, input: InputSlot::default() });
        let shared = Arc::clone(&work);
        let team = Team::start(threads, move |member, schedule: &FrameSchedule| {
            shared.tasks(member, schedule, &mut || {})
        })
        .map_err(|error| Error::Threads(error.to_string()))?;
        Ok(Self { work, team })
    }
}

impl Session for CpuSession {
    fn run(&mut self, input: &RgbF32, rows: &mut dyn FnMut(RowBand<'_>)) -> Result<(), Error> {
        if input.size() != self.work.plan.input {
            return Err(Error::Size { expected: self.work.plan.input, found: input.size() });
        }
        self.work.frame(self.team.schedule(), input, rows).map_err(|Cancelled| Error::Failed)
    }

    fn memory(&self) -> u64 {
        self.work.plan.bytes()
    }
}

impl Work {
    fn machine(&self) -> Machine<'_> {
        Machine { program: &self.program, plan: &self.plan, arena: &self.arena, kernels: self.kernels }
    }

    /// The calling thread's part of a frame: it works like the others and hands on the output's bands in between.
    fn frame(
        &self,
        schedule: &FrameSchedule,
        input: &RgbF32,
        rows: &mut dyn FnMut(RowBand<'_>),
    ) -> Result<(), Cancelled> {
        let _lent = Lent { slot: &self.input, schedule };
        let _guard = EndOnPanic(schedule);
        self.input.set(input);
        schedule.enter(0);
        schedule.begin()?;
        let machine = self.machine();
        let mut delivered = 0;
        let mut deliver = || {
            while let Some(band) = self.plan.bands.get(delivered)
                && schedule.is_done(band.end)
            {
                rows(RowBand {
                    y: band.rows.start as u32,
                    rows: band.rows.len() as u32,
                    width: self.plan.output.width,
                    planes: machine.band(delivered),
                });
                delivered += 1;
                schedule.deliver(delivered);
            }
        };
        self.tasks(0, schedule, &mut deliver)?;
        let end = self.plan.bands.last().map_or(0, |band| band.end);
        schedule.wait(|| {
            // Others may wait for room for their bands.
            deliver();
            schedule.is_done(end)
        })?;
        deliver();
        Ok(())
    }

    /// One member's tasks of a frame; `meanwhile` is called between them and while waiting.
    fn tasks(
        &self,
        member: usize,
        schedule: &FrameSchedule,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), Cancelled> {
        let machine = self.machine();
        let mut instructions = self.plan.instructions.iter();
        let Some(mut instruction) = instructions.next() else { return Ok(()) };
        loop {
            let number = schedule.take(member);
            meanwhile();
            while number >= instruction.first_task + instruction.grid.tasks() {
                let Some(next) = instructions.next() else { return Ok(()) };
                instruction = next;
            }
            let task = number - instruction.first_task;
            let needed = instruction.needed(task);
            schedule.wait(|| {
                meanwhile();
                schedule.is_done(needed)
                    && instruction.band.is_none_or(|band| schedule.delivered() + BANDS > band)
            })?;
            machine.run(instruction, task, member, &self.input);
        }
    }
}

/// A picture that other threads read. It stays lent until none of them is at a task.
struct Lent<'a> {
    slot: &'a InputSlot,
    schedule: &'a FrameSchedule,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.schedule.leave(0);
        self.schedule.settle();
        self.slot.clear();
    }
}
