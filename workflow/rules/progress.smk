# A line after each finished cell: how many there are, and about how long the others will take.

import logging

from mtl.runtime.countdown import Countdown


class CellsFinished(logging.Handler):
    """Listens to what Snakemake logs in its main process, where jobs of a cluster are reported, too.

    The attributes are those that the interface of its logger plugins names. A plugin would have to be installed and
    named by each run, and takes the place of the messages on the terminal.
    """

    def __init__(self):
        super().__init__()
        self.countdown = Countdown("evaluate", ["pretrain", "meta_train", "evaluate"])

    def emit(self, record):
        try:
            self.heed(getattr(record, "event", None), record)
        except Exception:
            # Nobody's run may stop because of it.
            logger.removeHandler(self)

    def heed(self, event, record):
        if event == "run_info":
            self.countdown.plan(
                {kind_of(name): count for name, count in record.stats.items()}
            )
        elif event == "job_info":
            self.countdown.started(record.jobid, kind_of(record.rule_name))
        elif event == "job_finished" and (
            said := self.countdown.finished(record.job_id)
        ):
            logger.info(said)


def kind_of(rule):
    """The name of a rule of this workflow, without the prefix that a module gave it."""
    names = ("pretrain", "meta_train", "evaluate")
    return next((name for name in names if rule.endswith(f"_{name}")), rule)
