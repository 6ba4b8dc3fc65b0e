"""Embedders: a static model that ships with the package, ONNX models, and servers that speak OpenAI's interface.

Nothing is imported here: each needs libraries that the others do without.
"""
