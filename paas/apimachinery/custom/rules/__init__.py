"""`x-kubernetes-validations`: rules in the Common Expression Language.

The language is cel-expr-python's (Google's C++ implementation), loaded by a process when it meets
the first rule. Owns what Kubernetes adds to it: functions, the view of an object that a rule has,
transition rules, messages, bounds.
"""

from paas.apimachinery.custom.rules.checking import rule_errors
from paas.apimachinery.custom.rules.evaluation import has_rules, validation_errors

__all__ = ["has_rules", "rule_errors", "validation_errors"]
