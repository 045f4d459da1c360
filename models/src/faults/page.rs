//! The matrix as one self-contained HTML page.
//!
//! # Checked by
//! `tests/faults.rs`.

use super::matrix::{Cell, Fate, Kill, Matrix};
use super::table::{short, verdict};
use std::fmt::Write;

const STYLE: &str = "body{font:14px system-ui;margin:2em}table{border-collapse:collapse}\
    td,th{border:1px solid #ccc;padding:2px 6px}td.kill{background:#cfe9cf;text-align:right}td.miss{background:#f6f6f6;text-align:center}\
    td.weak{background:#fff0c2;text-align:right}tr.survived th{background:#f7c6c6}th{text-align:left;position:sticky;top:0;background:#fff}";

/// The page.
pub fn html(matrix: &Matrix) -> String {
    let mut rows = String::new();
    for (row, cells) in &matrix.rows {
        let survived = Fate::of(row, cells) == Fate::Survived;
        let class = if survived { " class=survived" } else { "" };
        let (slug, breaks) = (escape(&row.slug), escape(&row.breaks));
        let _ = write!(rows, "<tr{class}><th title=\"{breaks}\">{slug}</th>");
        if let Some(said) = &row.broken {
            let _ = write!(rows, "<td colspan={}>{}</td>", matrix.detectors.len(), escape(said));
        } else {
            cells.iter().for_each(|cell| rows += &self::cell(cell));
        }
        rows += "</tr>\n";
    }
    let names: String =
        matrix.detectors.iter().map(|name| format!("<th>{}</th>", escape(name))).collect();
    format!(
        "<!doctype html><meta charset=utf-8><title>Kill matrix</title><style>{STYLE}</style>\n<h1>Kill matrix</h1>\n\
         <p>Seconds to the first finding, the median over seeds.</p>\n<table><thead><tr><th>fault</th>{names}</tr></thead>\n{rows}</table>\n<pre>{}</pre>\n",
        escape(&verdict(matrix))
    )
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Unasked => "<td></td>".to_string(),
        Cell::Missed { executions, seconds } => {
            format!("<td class=miss title=\"{executions} executions, {seconds:.1} s\">·</td>")
        }
        Cell::Killed(Kill { kills, goes, executions, signature, .. }) => {
            let class = if executions.is_some() { "kill" } else { "weak" };
            let median =
                executions.map_or(String::new(), |median| format!(", {median} executions"));
            let title = escape(&format!("{signature} ({kills} of {goes} seeds{median})"));
            format!("<td class={class} title=\"{title}\">{}</td>", short(cell))
        }
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
