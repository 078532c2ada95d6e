"""The expression language: text to tree (`parser`), tree and placeholders to functions over items (`binding`)."""
