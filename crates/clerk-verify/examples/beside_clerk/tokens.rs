//! Tokens of every kind, good and bad.

use clerk_verify::{Clock as _, PublishableKey, SystemClock};
use serde_json::{Value, json};

use crate::common::backend::BackendServer;
use crate::common::{ISSUER, PAGE, SigningKey};

/// Tokens, and whoever can say what they are.
pub struct Set {
    pub pem: String,
    pub issuer: String,
    pub publishable_key: String,
    pub api_url: String,
    pub secret_key: String,
    pub parties: Vec<String>,
    /// Name, token, and, where the two differ on purpose, why.
    pub tokens: Vec<(String, String, Option<&'static str>)>,
}

impl Set {
    pub fn read(path: &str) -> Self {
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let text = |value: &Value, name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let tokens = file["tokens"].as_array().unwrap();
        let parties = file["authorizedParties"].as_array().expect("authorizedParties");
        Self {
            pem: text(&file, "publicKeyPem"),
            issuer: text(&file, "issuer"),
            publishable_key: text(&file, "publishableKey"),
            api_url: text(&file, "apiUrl"),
            secret_key: text(&file, "secretKey"),
            parties: parties.iter().map(|party| party.as_str().unwrap().to_owned()).collect(),
            tokens: tokens.iter().map(|token| (text(token, "id"), text(token, "token"), None)).collect(),
        }
    }

    pub async fn own() -> Self {
        let key = SigningKey::new("ins_1");
        let host = ISSUER.strip_prefix("https://").unwrap();
        Self {
            pem: key.pem(),
            issuer: ISSUER.into(),
            publishable_key: PublishableKey::for_host(host, clerk_verify::InstanceType::Production)
                .unwrap()
                .to_string(),
            api_url: BackendServer::start().await.url,
            secret_key: "sk_test_beside".into(),
            parties: vec![PAGE.into()],
            tokens: tokens(&key),
        }
    }
}

pub fn session_claims(now: i64) -> Value {
    json!({
        "sub": "user_ada", "sid": "sess_1", "iss": ISSUER, "azp": PAGE, "iat": now, "nbf": now - 10, "exp": now + 600,
        "sts": "active", "v": 2, "fva": [1, -1], "fea": "o:posts,u:export", "pla": "o:pro",
        "o": { "id": "org_1", "slg": "acme", "rol": "admin", "per": "read,write", "fpm": "3" },
    })
}

fn tokens(key: &SigningKey) -> Vec<(String, String, Option<&'static str>)> {
    let now = SystemClock::default().unix_millis() / 1000;
    let header = |typ: Value, cat: Value| {
        let mut header = json!({ "alg": "RS256", "kid": key.kid });
        for (name, value) in [("typ", typ), ("cat", cat)] {
            if !value.is_null() {
                header[name] = value;
            }
        }
        header
    };
    let kinds = [
        ("session", header(json!("JWT"), json!("cl_B7d4PD111AAA")), session_claims(now)),
        ("session, no cat", header(json!("JWT"), json!(null)), session_claims(now)),
        ("session, ignored cat", header(json!("JWT"), json!("cl_I7d4PD111III")), session_claims(now)),
        ("template", header(json!("JWT"), json!("cl_B7d4PD222AAA")), session_claims(now)),
        (
            "OAuth",
            header(json!("at+jwt"), json!(null)),
            json!({ "sub": "user_ada", "iss": ISSUER, "iat": now, "nbf": now, "exp": now + 600, "client_id": "c",
                "scope": "read:foo", "jti": "oat_1" }),
        ),
        (
            "OAuth, application/at+jwt",
            header(json!("application/at+jwt"), json!(null)),
            json!({ "sub": "user_ada", "iss": ISSUER, "iat": now, "exp": now + 600, "scp": ["a"] }),
        ),
        (
            "M2M",
            header(json!("JWT"), json!("cl_B7d4PD333AAA")),
            json!({ "sub": "mch_1", "iss": ISSUER, "iat": now, "exp": now + 600, "scopes": "mch_2", "jti": "mt_1" }),
        ),
        (
            "M2M, no cat",
            header(json!("JWT"), json!(null)),
            json!({ "sub": "mch_1", "iss": ISSUER, "iat": now, "exp": now + 600 }),
        ),
        (
            "M2M as session",
            header(json!("JWT"), json!("cl_B7d4PD111AAA")),
            json!({ "sub": "mch_1", "iss": ISSUER, "iat": now, "exp": now + 600 }),
        ),
        (
            "M2M as OAuth",
            header(json!("at+jwt"), json!(null)),
            json!({ "sub": "mch_1", "iss": ISSUER, "iat": now, "exp": now + 600 }),
        ),
    ];
    let changes: [(&str, &str, Value, Option<&str>); 12] = [
        ("expired", "exp", json!(now - 60), None),
        ("without exp", "exp", json!(null), None),
        ("exp as text", "exp", json!((now + 600).to_string()), None),
        ("early", "nbf", json!(now + 60), None),
        ("from the future", "iat", json!(now + 60), None),
        ("subject a number", "sub", json!(7), None),
        ("another page", "azp", json!("https://evil.example"), None),
        ("pending", "sts", json!("pending"), None),
        ("subject empty", "sub", json!(""), Some("an empty subject is nobody")),
        (
            "another issuer",
            "iss",
            json!("https://clerk.evil.example"),
            Some("the issuer is checked by default"),
        ),
        ("exp before time began", "exp", json!(-1e15), Some("a time that is no time")),
        ("nbf beyond all time", "nbf", json!(1e15), Some("a time that is no time")),
    ];
    let mut all = Vec::new();
    for (kind, header, claims) in &kinds {
        all.push(((*kind).to_owned(), key.sign_with(header, claims), None));
        for (change, name, value, why) in &changes {
            let mut changed = claims.clone();
            changed[*name] = value.clone();
            all.push((format!("{kind}: {change}"), key.sign_with(header, &changed), *why));
        }
        let good = key.sign_with(header, claims);
        let stranger = SigningKey::new(&key.kid).sign_with(header, claims);
        all.push((format!("{kind}: another's key"), stranger, None));
        let mut critical = header.clone();
        critical["crit"] = json!(["exp"]);
        let why = Some("an extension that must be understood, and is not");
        all.push((format!("{kind}: crit"), key.sign_with(&critical, claims), why));
        let mut none = header.clone();
        none["alg"] = json!("none");
        all.push((format!("{kind}: no algorithm"), key.sign_with(&none, claims), None));
        let twice = claims.to_string().replacen('{', r#"{"sub":"user_root","#, 1);
        let why = Some("two members of one name");
        all.push((format!("{kind}: two subjects"), key.sign_text(&header.to_string(), &twice), why));
        all.push((format!("{kind}: cut off"), good[..good.len() - 4].to_owned(), None));
    }
    let mut ignored = kinds[6].1.clone();
    ignored["cat"] = json!("cl_I7d4PD111III");
    let why = Some("accepted: the category that says nothing, as for sessions");
    all.push(("M2M, ignored cat".into(), key.sign_with(&ignored, &kinds[6].2), why));
    for (token, why) in [
        ("oat_1", None),
        ("mt_1", None),
        ("ak_1", None),
        ("ak_org", None),
        ("oat_notfound", None),
        ("mt_notfound", None),
        ("ak_notfound", None),
        ("ak_e401", None),
        ("ak_e429", None),
        ("oat_e500", None),
        ("nonsense", None),
        ("ak_revoked", Some("the answer says that it was revoked")),
        ("mt_expired", Some("the answer says that it has expired")),
        ("bnVsbA.e30.AA", Some("refused, where the SDK throws")),
    ] {
        all.push((token.into(), token.into(), why));
    }
    all
}
