"""Cutting clips out of footage, each decoded again and compared with its source."""
