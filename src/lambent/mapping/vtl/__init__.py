"""The Velocity Template Language of API Gateway's mapping templates: `parse`, then `Template.render`.

Source: Velocity User Guide and Reference, version 1.7; API Gateway Developer Guide, "Mapping template and access
logging variable reference". Why this is not a library: docs/decisions, "mapping templates".
"""
