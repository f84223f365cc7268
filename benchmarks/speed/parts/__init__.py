"""What is measured: each module measures one part, and writes its lines of the page.

A part has a ``measure(turns)`` that returns plain values, and a ``page(found)`` that writes them down.
"""
