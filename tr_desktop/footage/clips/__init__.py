"""Cutting clips out of footage. Each clip is decoded again and compared with its source."""
