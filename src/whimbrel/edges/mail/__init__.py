"""The mailbox door: mail by SMTP to NUMBER@DOMAIN becomes a text. May import what the other edges may, and aiosmtpd."""
