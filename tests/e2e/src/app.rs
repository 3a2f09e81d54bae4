//! The app as a person meets it. (Placeholder until the pages exist.)
