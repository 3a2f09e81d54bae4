//! Clerk for Yew: provider, use_auth with get_token, and the components of clerk-js.
