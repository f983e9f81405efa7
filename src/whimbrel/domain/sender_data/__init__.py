"""What is known of senders by country, of names that are refused, and of registrations: tables, each row with its
source, date and confidence. `country_senders_2022-09.csv` has a licence of its own, which stands beside it.
"""
