//! Which line is to answer for something: of compose.yaml where that decides it, else of the Dockerfile, on the way to the
//! role's stage; the line of the stage itself where none does.

mod files;
mod installs;
mod settings;
mod step;

pub(crate) use files::{bringing, copied_to, copy, copy_of, giving, ignore_file, keeping, layer, making, taking};
pub(crate) use installs::{base, calling, capability, installing, installing_by, installing_tool, running, unlike};
pub(crate) use settings::{
    command, environment, healthcheck, label, naming, secret_id, stage_apart, stop_signal, taking_secret, user,
    user_or_entrypoint, value, variable, variable_of_stage, varying, volume,
};
pub(crate) use step::step;
