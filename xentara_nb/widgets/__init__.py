"""Forms for a notebook: log in, explore, watch, and write under guard.

>>> from xentara_nb.widgets import LoginForm
>>> LoginForm("plant.example")
<LoginForm: no one is logged in to plant.example>
"""

from __future__ import annotations

from xentara_nb.widgets.explorer.client_card import ClientCard
from xentara_nb.widgets.explorer.form import Explorer
from xentara_nb.widgets.live.view import LiveView
from xentara_nb.widgets.login.form import LoginForm
from xentara_nb.widgets.write.form import WriteForm
from xentara_nb.widgets.write.plan_form import PlanForm

__all__ = ["ClientCard", "Explorer", "LiveView", "LoginForm", "PlanForm", "WriteForm"]
