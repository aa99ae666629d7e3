//! Which line is to answer for something: of compose.yaml where that decides it, else of the Dockerfile, on the way to the
//! role's stage; the line of the stage itself where none does.

mod files;
mod settings;

pub(crate) use files::{bringing, copy, copy_of, giving, keeping, layer, making, taking};
pub(crate) use settings::{
    command, environment, healthcheck, naming, secret_id, stage_apart, taking_secret, user, user_or_entrypoint, value,
    variable, variable_of_stage, volume,
};
