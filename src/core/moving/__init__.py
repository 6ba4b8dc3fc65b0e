"""The memory on its way from one store to another: what an export holds, and how it is put back."""
