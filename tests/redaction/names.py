"""Names of fields that hold secrets, and names that only look so."""

from __future__ import annotations

_SECRET = """
    password PASSWORD Password passwords passwd pwd userPassword user_password user-password user.password
    USER_PASSWORD UserPassword dbpassword db_password db.password DB-PASSWORD passwordHash password_hash password2
    password_1 old_password newPassword passwordConfirmation user[password] spring.datasource.password
    config/db/password mypasswd dbpwd mysqlpwd PGPASSWORD MYSQL_PWD passphrase passPhrase pass_phrase ssh-passphrase
    passcode pass_word passWord pass db_pass dbPass dbpass smtp_pass userpass passkey Passwort kennwort contrasena
    secret SECRET secrets client_secret clientSecret clientsecret ClientSecret SECRET_KEY secretKey secretkey
    app.secret aws_secret_access_key awsSecretAccessKey AZURE_STORAGE_KEY_SECRET shared_secret
    token TOKEN tokens auth_token authToken authtoken accessToken access_token accesstoken refresh_token refreshToken
    idToken id-token csrfmiddlewaretoken X-Auth-Token x_auth_token githubToken GITHUB_TOKEN slack_bot_token
    api_key apiKey apikey APIKEY API_KEY ApiKey api-key X-Api-Key x_api_key myApiKey openai_api_key api_keys api.key
    authorization Authorization AUTHORIZATION proxy-authorization Proxy-Authorization auth basic_auth oauth oauth2
    cookie Cookie cookies Set-Cookie set_cookie sessionCookie
    credential credentials Credentials gcp_credentials GOOGLE_APPLICATION_CREDENTIALS awsCredentials dbcredentials creds
    private_key privateKey privatekey PRIVATE_KEY private-key rsa_private_key signing_key encryptionKey encryption.key
    access_key accessKey AccessKeyId account_key AccountKey storageAccountKey master_key ssh_key license_key
    session sessions session_id sessionId sessionid SESSION_ID JSESSIONID PHPSESSID session_key connect.sid
    csrf csrf_token csrfToken xsrf XSRF-TOKEN xsrfToken jwt JWT jwt_token jwtToken userJwt bearer bearer_token
    ssn SSN customer_ssn customerSsn social_security social_security_number socialSecurityNumber
    cvv cvc card_cvv pin pin_code userPin card_number cardNumber cardnumber credit_card creditCard creditcard cc_number
    iban customer_iban otp totp otp_code dsn SENTRY_DSN database_dsn connection_string connectionString
    ConnectionStrings sas sas_url security_code recovery_code backup_codes seed_phrase
"""

_PLAIN = """
    author authors Author author_id authored authority authorities authorize authorized unauthorized authentic
    tokenizer tokenize tokenized tokenization detokenize secretary secretary_name secretariat secretion
    passed passing passenger passengers passenger_count compass bypass trespass surpass overpass underpass
    first_pass passes passive passport passage encompass
    keyboard monkey key keys keyed keyword keywords primary_key foreign_key key_column sort_key cache_key turkey hockey
    cookiecutter sessional obsession possession obsessions processor cession
    pinned pinning spin spinning pint pinpoint shipping mapping opinion
    compiled description node_name row_count user user_name username users email_count name value status
    card cards cardinal cardinality card_type discard wildcard creditor credit credited social society securities
    security secure connection connections string basic basics bear bearing forbearance
    assn classname assignment session_count sessionCount tokens_per_s tokensPerSecond token_count tokenCount
    total_tokens max_tokens maxTokens promptTokens password_length password_age_days secret_count cookie_count
    cookie_consent_rate auth_failures_total session_duration_ms sessions_total pin_count token_limit csrf_failure_rate
    isbn ibanez dns dsns_ sass sasquatch saslike discount autho codes code phrase recovery backup seed
    hotpot totpx_ optic crisis process_start engine layer pipeline_name duration_ms metadata correlation_id
"""

SECRET = _SECRET.split()
PLAIN = _PLAIN.split()
