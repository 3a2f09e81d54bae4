//! api.foo.com: the protected API of the demo.
