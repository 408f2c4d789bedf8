"""What is issued, and what does it cost: numbers, product keys, the ledger and its database."""
