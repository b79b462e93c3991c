"""Words that give a name its role: tables only, in lower case and without accents.

A phrase has `_` between its words; it matches these words in sequence, joined in any way.
"""

from __future__ import annotations

from typing import Final


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


# Credentials, by language. The first row of each holds words that are enough alone, the second phrases.
CREDENTIALS: Final[dict[str, tuple[str, str]]] = {
    "English": (
        """
        password passwords passwd passwds pwd pwds pw passphrase passphrases passcode passcodes passkey passkeys
        secret secrets token tokens apikey apikeys authorization auth oauth bearer cookie cookies credential
        credentials creds cred session sessions sessid csrf xsrf jwt jwts otp totp pin pins dsn sas mnemonic
        authtoken authkey psk requirepass masterauth
        """,
        """
        api_key private_key access_key secret_key account_key encryption_key decryption_key signing_key signature_key
        master_key shared_key ssh_key license_key client_key storage_key fernet_key consumer_key application_key
        app_key auth_key admin_key service_key function_key functions_key subscription_key deploy_key session_key
        hmac_key aes_key rsa_key gpg_key pgp_key tls_key ssl_key unseal_key vault_key webhook_key integration_key
        ingest_key ingestion_key symmetric_key host_key datadog_key security_key cipher_key crypto_key jwk_key
        root_key user_key personal_key customer_key bot_key aad_key sas_key policy_key pass_key pass_word pass_phrase
        pass_code key_pass connection_string connection_uri connection_url conn_string conn_str connect_string
        access_signature
        account_sas security_code security_answer recovery_code backup_code recovery_phrase backup_phrase
        verification_code mfa_code login_code auth_code authorization_code seed_phrase connect_sid webhook_url
        db_pass user_pass admin_pass root_pass login_pass smtp_pass mail_pass ftp_pass http_pass proxy_pass sudo_pass
        mysql_pass postgres_pass pg_pass redis_pass mongo_pass ldap_pass rabbitmq_pass database_pass key_store_pass
        store_pass http_passwd sql_pass sa_pass app_pass email_pass wifi_pass ssh_pass
        """,
    ),
    "Spanish": (
        "contrasena contrasenas contrasenia contrasenya secreto secretos credenciales credencial clavesecreta",
        """
        clave_secreta clave_privada clave_api clave_acceso clave_de_acceso clave_usuario clave_de_usuario
        clave_maestra clave_de_cifrado palabra_clave_secreta codigo_de_seguridad codigo_pin frase_secreta
        ficha_de_acceso llave_privada llave_secreta llave_api
        """,
    ),
    "French": (
        "motdepasse motspasse mdp jeton jetons secrete",
        """
        clef_api clef_secrete clef_privee clef_d_acces
        mot_de_passe mots_de_passe mot_passe cle_api cle_secrete cle_privee cle_d_acces cle_acces cle_de_chiffrement
        cle_de_signature jeton_d_acces code_secret code_de_securite phrase_secrete phrase_de_passe
        """,
    ),
    "German": (
        """
        passwort passworte passworter passwoerter passw kennwort kennworte kennworter kennwoerter kennung losungswort
        geheimnis geheimnisse geheim zugangsdaten anmeldedaten zugangscode zugriffstoken geheimzahl passphrase
        geheimschlussel geheimschluessel zugriffsschlussel zugriffsschluessel apischlussel apischluessel
        privatschlussel privatschluessel zugangsschlussel zugangsschluessel zugangstoken freischaltcode
        """,
        """
        api_schlussel api_schluessel privater_schlussel privater_schluessel geheimer_schlussel geheimer_schluessel
        private_schlussel private_schluessel geheime_schlussel geheime_schluessel
        """,
    ),
    "Dutch": (
        "wachtwoord wachtwoorden wachtzin geheim geheimen toegangscode toegangstoken inloggegevens apisleutel pincode",
        "api_sleutel prive_sleutel geheime_sleutel toegangs_sleutel toegangssleutel privesleutel",
    ),
    "Polish": (
        "haslo hasla hasel sekret sekrety tajne tajny poswiadczenia",
        "klucz_api klucz_prywatny klucz_dostepu klucz_tajny tajny_klucz token_dostepu kod_pin",
    ),
    "Russian": (
        "пароль пароли пароля паролем паролю секрет секреты токен токены секретныи пинкод",
        """
        ключ_api api_ключ ключ_доступа секретныи_ключ закрытыи_ключ приватныи_ключ учетные_данные кодовое_слово
        код_доступа ключ_шифрования апи_ключ
        """,
    ),
    "Portuguese": (
        "senha senhas segredo segredos credenciais",
        """
        palavra_passe palavra_chave_secreta palavra_de_passe chave_api chave_secreta chave_privada chave_de_acesso
        chave_acesso chave_de_api codigo_de_seguranca
        """,
    ),
    "Italian": (
        "segreto segreti credenziali parolachiave",
        """
        parola_d_ordine parola_di_accesso parola_segreta chiave_api chiave_privata chiave_segreta chiave_di_accesso
        chiave_accesso codice_segreto codice_pin codice_di_sicurezza frase_segreta
        """,
    ),
    "others": (
        """
        sifre parola losenord losen adgangskode passord salasana heslo jelszo lozinka geslo matkhau katasandi sandi
        κωδικος гасло
        """,
        "mat_khau kata_sandi api_anahtari gizli_anahtar",
    ),
}
WRITTEN_TOGETHER: Final = """
    密码 密碼 口令 密钥 密鑰 金鑰 私钥 私鑰 令牌 凭证 憑證 凭据 秘密 验证码 訪問令牌 通行证
    パスワード パスフレーズ 暗証番号 秘密鍵 秘密 合言葉 トークン シークレット 認証情報 資格情報 アクセスキー 暗証
    認証コード 鍵情報 apiキー 비밀번호 패스워드 암호 토큰 비밀키 인증키 시크릿 รหัสผ่าน סיסמה סיסמא पासवर्ड
    пароль パスコード ピン番号 クッキー セッション
"""
"""Of scripts that leave no space between words: found anywhere in a name."""

# Personal data, by language, in the same form.
PERSONAL: Final[dict[str, tuple[str, str]]] = {
    "English": (
        "ssn ssns iban ibans cvv cvv2 cvc cvc2",
        """
        social_security card_number card_no card_num card_pan credit_card debit_card cc_number cc_num cc_no
        passport_number passport_no tax_id_number national_insurance
        """,
    ),
    "Spanish": ("", "tarjeta_credito tarjeta_de_credito numero_de_tarjeta numero_tarjeta num_tarjeta seguro_social"),
    "French": ("", "carte_bancaire carte_de_credit numero_de_carte numero_carte securite_sociale"),
    "German": (
        "kreditkarte kreditkartennummer kartennummer sozialversicherungsnummer steueridentifikationsnummer",
        "kredit_karte karten_nummer",
    ),
    "Dutch": ("kaartnummer creditcardnummer burgerservicenummer bsn", ""),
    "Polish": ("pesel", "numer_karty karta_kredytowa"),
    "Russian": ("", "номер_карты кредитная_карта"),
    "Portuguese": ("cpf", "cartao_de_credito cartao_credito numero_do_cartao numero_cartao"),
    "Italian": ("", "carta_di_credito carta_credito numero_carta numero_di_carta codice_fiscale"),
}
PERSONAL_TOGETHER: Final = """
    身份证 身分證 银行卡 信用卡 卡号 卡號 クレジットカード カード番号 マイナンバー 口座番号 주민등록번호 카드번호
    номеркарты
"""

RUN_TOGETHER: Final = """
    password(?!less) passwd passphrase passcode passwort kennwort wachtwoord contrasen motdepasse credential sessionid
    sessid sessionkey (?:secret|token|cookie)s?$ (?:pwd|jwt|csrf|xsrf|oauth|senha|haslo|mdp|passw)$
    ^(?:pwd|jwt|csrf|xsrf) пароль schluessel$ schlussel$
"""
"""Where words are written as one: `dbpassword`, `accesstoken`, `PHPSESSID`."""

ALONE: Final = word_set("pass clave chave geheimzahl pwrd 鍵 暗号")
"""Words that are a secret only if they are the whole name."""

# Last words of names that describe a secret.
DESCRIBES: Final = word_set("""
    type types kind method methods name names field fields column columns col table schema class format
    version status state policy policies rule rules provider providers scheme mode algorithm alg algo
    enabled disabled valid invalid validity verified expired expires expiry expiration required optional
    exists present missing change changes changed updated created rotated rotation start started end ended
    begin stop at time timestamp date day ts in out path paths file filename files dir directory folder
    location endpoint endpoints issuer audience scope scopes strength level source manager store backend
    service reset resets attempts attempt retries check checks test tests handler prefix suffix label title
    description domain domains consent banner page bucket index position arn ref reference references flow
    flows grant permission permissions window log logs event events engine hint confirmed matches match
    lifetime timeout zone timezone tz locale agent country channel seen found region server samesite bank
    dataset host port cluster catalog parameters params settings tipo nombre nom typ art estado naam nazwa
    """)
"""As the last word of a name: `token_type`, `password_policy`, `session_start`."""
ASKS: Final = word_set("""
    is has had no needs need uses requires require required enable disable show hide allow allows forgot pad eos bos
    unk sep cls mask without supports should can
    """)
"""As the first word of a name: `num_secrets`, `is_secret`, `pad_token`."""
SERVED: Final = word_set("token auth oauth oauth2 authorization login jwks jwt credential credentials session")
"""Their `url` is where they are asked for: `token_url`, but `webhook_url` and `sas_url` are secrets."""
OWNERS: Final = word_set("client tenant app application project account provider issuer server")
"""Their `id` is no secret: `oauth_client_id`."""
QUANTITIES: Final = word_set("""
    count counts total per rate ratio percent pct ms s sec secs seconds minutes hours days age duration length size
    bytes expires expiry ttl max min avg mean limit used usage budget remaining hits misses num n nb latency reasoning
    cached active open failures errors attempts retries timeout
    """)

# Words of names of numbers and addresses, by their role.
CARDS: Final = word_set("""
    card cards pan visa mastercard amex maestro discover jcb diners unionpay cc creditcard debitcard payment payments
    kreditkarte karte carte tarjeta cartao carta karta kaart карта карты カード 卡
    """)
SOCIAL: Final = word_set("ssn ssns social tin itin taxpayer sozialversicherung")
ADDRESSES: Final = word_set(
    "email emails mail mails mailto recipient recipients sender correo courriel kontakt contact replyto"
)
IDENTIFIERS: Final = word_set("""
    id ids uid uuid guid order orders ean gtin upc isbn issn sku phone tel mobile fax ts timestamp time epoch nanos
    hash sha sha1 sha256 md5 digest checksum crc serial barcode barcodes asin imei imsi iccid msisdn vin tracking
    trace span run job batch offset lsn seq sequence version build commit rev revision invoice ticket part article
    item product reference ref parcel shipment waybill account customer event message msg request
    correlation artikel bestellung rechnung commande pedido ordine zamowienie size bytes length count port
    """)
