"""Non-public parts of libraries that we use: one module a library, each with a test that fails when the library changes."""
