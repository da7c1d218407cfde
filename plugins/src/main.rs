//! The `diptych` binary: the scenes and the store's tools on a command line.
//!
//! Invariant: standard output has the report and nothing else; whatever is wrong is one line on standard error,
//! and the exit code says whose fault it is. Everything it does is done through the library's public interface.

mod cli;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    cli::main()
}
