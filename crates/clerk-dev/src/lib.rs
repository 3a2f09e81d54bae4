//! Clerk's Frontend API on your own machine, for development: the real clerk-js signs in to it, without an account and without a network.
