//! The website.
pub mod core;
