//! The matrix as one self-contained HTML page.
//!
//! # Not here
//! How it looks: `templates/`.
//! # Checked by
//! `tests/faults.rs`.

use super::matrix::{Cell, Fate, Matrix};
use super::table;
use askama::Template;

#[derive(Template)]
#[template(path = "faults.html")]
struct Page<'m> {
    matrix: &'m Matrix,
    verdict: String,
}

/// The page.
///
/// # Errors
/// Never, unless a template is broken.
pub fn html(matrix: &Matrix) -> Result<String, askama::Error> {
    Page { matrix, verdict: table::verdict(matrix) }.render()
}
