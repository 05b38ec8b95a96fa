"""The words and numbers in which the reference tells what happened. It has its own; a test compares them with the engine's."""

# What can happen to a child, a home or a line.
ENTERED, LEFT = 1, 2
ENTERED_CARE, PLACED, PLACEMENT_ENDED, LEFT_CARE, REFUSED, GUEST_PLACED, GUEST_WAITED = range(3, 10)
CRISIS, WENT_MISSING, RETURNED, STILL_MISSING = range(10, 14)
INTERVIEWED, INTERVIEW_LAPSED, SIGNAL, IDENTIFIED, ASSESSED, HELPED = range(14, 20)
CONTACT_FAILED, APPROACHED_BY, GROOMED_BY, LAPSED, RECRUITED = range(20, 25)
DEBT_ROSE, DEBT_REPAID, BECAME_BOUND = range(25, 28)
TRIES_TO_GET_OUT, PULLED_BACK, GOT_OUT, DRAWN_BACK, SETTLED = range(28, 33)
LINE_OPENED, LINE_CLOSED, POSITION_OPEN, POSITION_FILLED = range(33, 37)
POLICY_REACHED = 37

# What a child is to a line.
NOT_INVOLVED, APPROACHED, GROOMED, WORKING, BOUND, GETTING_OUT, SAFE = range(7)
ON_A_LINE = (WORKING, BOUND)

# Where a child lives.
AT_HOME, FOSTER, SPECIALIST_FOSTER, KINSHIP, CHILDRENS_HOME, SECURE, SUPPORTED, WITH_PARENTS, OTHER = range(9)
SETTING_NAMES = (
    "at home", "foster", "specialist foster", "kinship", "children's home", "secure", "supported or independent", "with parents", "other",
)  # fmt: skip

# Why a child goes missing, and what is noted of an episode.
CONFLICT, FAMILY, LINE, DEBT = range(4)
POLICE, AUTHORITY, OVERNIGHT, LOOKED_AFTER, OLDER, OUTSIDE, FOUND = 1, 2, 4, 8, 16, 32, 64

# Where a recruiter meets a child; ways in; what debt is made of; who holds a position.
STREET, SCHOOL, HOME, ONLINE, SOMEWHERE_ELSE = range(5)
MONEY, AFFECTION, STATUS, THREAT = range(4)
GIFTS, ROBBERY, SEIZURE = range(3)
BY_ADULT, BY_CHILD, BY_CHILD_OF_ELSEWHERE = range(3)

# Agencies, and the kinds of signal they hold.
POLICE_FORCE, SOCIAL_CARE = range(2)
EPISODE, FOUND_ON_A_LINE, DISCLOSURE, CLOSED_LINE, SHARED = range(5)

# How a placement ended; who is given a bed first.
CARE_ENDED, BROKE_DOWN, MOVED_BY_POLICY = range(3)
ENTRY, MOVE, GUEST = range(3)

# Who pays, and for what (placements come first: one item for each setting from FOSTER on).
SOCIAL_CARE_BUDGET, POLICE_BUDGET = range(2)
EPISODES, INTERVIEWS, ASSESSMENTS, HELP, POLICIES = range(8, 13)

NEVER = -32768  # of a day
MONTH, YEAR = 30.4375, 365.25  # days
FAR_KM = 32.187  # twenty miles
NEIGHBOURHOOD = 600  # children aged 10 to 17
