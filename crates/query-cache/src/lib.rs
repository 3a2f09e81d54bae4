//! A typed query cache: keys, retries, stale time, sharing and cancelling, with time and spawning passed in. Knows no browser and no UI framework.
