//! The window's commands, a file a room. Thin: each takes plain data, asks the engine, answers plain data. All run
//! beside the main thread (`async`), so that none can block the window.

pub mod app;
pub mod assist;
pub mod data;
pub mod labels;
pub mod model;
pub mod people;
pub mod project;
pub mod results;
pub mod split;
pub mod train;
pub mod usage;
