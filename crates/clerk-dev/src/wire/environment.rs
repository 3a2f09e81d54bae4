use serde_json::{Map, Value, json};

use crate::origin::AppOrigin;

/// The instance's settings, as the prebuilt components read them: e-mail and password, nobody signs up,
/// one session in a browser or several, organizations that are what they are.
pub(crate) fn environment(origin: &AppOrigin, several_sessions: bool) -> Value {
    let origin = origin.as_str();
    json!({
        "object": "environment",
        "auth_config": {
            "object": "auth_config",
            "id": "aconf_clerk_dev",
            "single_session_mode": !several_sessions,
            "reverification": false,
            "session_minter": false,
        },
        "display_config": {
            "object": "display_config",
            "id": "display_config_clerk_dev",
            "application_name": "clerk-dev",
            "instance_environment_type": "development",
            "show_devmode_warning": true,
            "branded": false,
            "preferred_sign_in_strategy": "password",
            "home_url": origin,
            "after_sign_in_url": origin,
            "after_sign_up_url": origin,
            "after_sign_out_url": origin,
            "after_sign_out_all_url": origin,
            "after_sign_out_one_url": origin,
            "after_switch_session_url": origin,
            "sign_in_url": format!("{origin}/sign-in"),
            "sign_up_url": format!("{origin}/sign-in"),
            "user_profile_url": format!("{origin}/user"),
        },
        "user_settings": {
            "attributes": attributes(),
            "actions": { "create_organization": false, "delete_self": false },
            "attack_protection": { "enumeration_protection": { "enabled": false } },
            "passkey_settings": { "allow_autofill": false, "show_sign_in_button": false },
            "password_settings": { "min_length": 8, "max_length": 72 },
            "sign_in": { "second_factor": { "required": false, "enabled": false } },
            "sign_up": {
                "mode": "restricted",
                "allowlist_only": false,
                "captcha_enabled": false,
                "legal_consent_enabled": false,
                "progressive": true,
                "mfa": { "required": false },
            },
            "social": {},
        },
        "organization_settings": {
            "enabled": true,
            "max_allowed_memberships": 5,
            "force_organization_selection": false,
            "actions": { "admin_delete": false },
            "domains": { "enabled": false, "enrollment_modes": [], "default_role": null },
        },
        "maintenance_mode": false,
    })
}

/// clerk-js takes the attributes over as a whole, so those that are off must be named too.
fn attributes() -> Map<String, Value> {
    const OFF: [&str; 8] = [
        "phone_number",
        "username",
        "web3_wallet",
        "first_name",
        "last_name",
        "authenticator_app",
        "backup_code",
        "passkey",
    ];
    let attribute = |on: bool, identifies: bool| {
        json!({
            "enabled": on,
            "required": on,
            "used_for_first_factor": identifies,
            "first_factors": [],
            "used_for_second_factor": false,
            "second_factors": [],
            "verifications": [],
            "verify_at_sign_up": false,
        })
    };
    let on = [
        ("email_address".to_owned(), attribute(true, true)),
        ("password".to_owned(), attribute(true, false)),
    ];
    on.into_iter().chain(OFF.map(|name| (name.to_owned(), attribute(false, false)))).collect()
}
