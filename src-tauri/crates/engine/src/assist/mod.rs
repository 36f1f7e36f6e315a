//! Help while labelling: the texts are read once by a pretrained encoder ([`reading`]), a head learns from the labels
//! that there are ([`Assistant`]), and says what the next texts are probably called, which are worth labelling next, and
//! which labels are doubtful.
//!
//! Nothing of it is a result: what the head says is never stored as a label, and a trained model is judged without it.

mod assistant;
mod groups;
pub mod meaning;
pub mod reading;
mod view;

pub use understudy_assist::Forecast;

pub use groups::groups;

pub use assistant::{Assistant, LEAST_LABELLED, foretell};
pub use view::{
    AssistState, DoubtPage, DoubtfulRow, LabelChance, Nearby, NearbyRow, Next, Order, Suggestion, TextGroup,
    TextGroups, Waiting,
};

use understudy_data::Project;

use crate::error::Result;
use crate::models;
use crate::session::chosen_model;

/// The encoder that reads a project's texts: the chosen model where it is installed, else the starter model.
///
/// # Errors
/// Those of the database.
pub fn encoder(project: &Project) -> Result<String> {
    let chosen = chosen_model(project)?;
    Ok(if models::is_installed(&chosen) {
        chosen
    } else {
        models::STARTER.to_owned()
    })
}

/// Under what the vectors of an encoder are kept: its name, and the way in which it reads.
fn kept_as(encoder: &str) -> String {
    format!("{encoder} mean 256")
}
