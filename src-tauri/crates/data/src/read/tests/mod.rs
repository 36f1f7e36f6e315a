//! Every format, from the file to its rows.

mod compressed;
mod folders;
mod json;
mod parquet;
mod text;
mod workbooks;
