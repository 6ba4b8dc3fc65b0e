"""Search in memory: what a question finds among the entries, and why. numpy is loaded with `index`, not before."""
