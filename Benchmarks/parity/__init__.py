"""What `parity.py` compares, framework by framework."""
