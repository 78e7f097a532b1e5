"""The ledger of budgets of differential privacy, and the noisy answers that it paid for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "epsilon",
        sa.Column("ledger", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("dataset", sa.String(length=100), nullable=False),
        sa.Column("release", sa.String(length=20), nullable=False),
        sa.Column("table", sa.String(length=100), nullable=False),
        sa.Column("epsilon", sa.Double(), nullable=False),
        sa.Column("cap", sa.Double(), nullable=False),
        sa.Column("answer", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("ledger", "number"),
    )
    with op.batch_alter_table("epsilon", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_epsilon_dataset"), ["dataset"], unique=False)
    op.create_table(
        "answer",
        sa.Column("ledger", sa.String(length=100), nullable=False),
        sa.Column("question", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("ledger", "question"),
    )


def downgrade() -> None:
    op.drop_table("answer")
    op.drop_table("epsilon")
