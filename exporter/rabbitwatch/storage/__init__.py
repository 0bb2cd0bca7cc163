"""What must survive a restart: one SQLite file in `storage.path`, one module a store, one list of migrations."""
