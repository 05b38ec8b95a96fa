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
POLICY_REACHED, ARRIVED, HISTORY = range(37, 40)
WAS_PUT_OUT_FOR_DAYS, WAS_EXCLUDED_FOR_GOOD, WENT_PART_TIME, BACK_AT_SCHOOL = range(40, 44)
OTHERWISE_APPROACHED, OTHERWISE_EXPLOITED, OTHERWISE_OUT = range(44, 47)
HARMED, IN_HOSPITAL, DIED, ARRESTED, REMANDED, RELEASED, LATER_OFFENCE = range(47, 54)
TRUSTS, WORKER_CHANGED, PROMISE_BROKEN = range(54, 57)
FORM_NAMED, REFERRED, LINE_DISPLACED, LINE_FOLLOWED, PRESSED, STAYED_AWAY_FROM_SCHOOL = range(57, 63)

# What a child is to a line.
NOT_INVOLVED, APPROACHED, GROOMED, WORKING, BOUND, GETTING_OUT, SAFE = range(7)
ON_A_LINE = (WORKING, BOUND)

# Where a child lives.
AT_HOME, FOSTER, SPECIALIST_FOSTER, KINSHIP, CHILDRENS_HOME, SECURE, SUPPORTED, WITH_PARENTS, OTHER, CUSTODY = range(10)
SETTING_NAMES = (
    "at home", "foster", "specialist foster", "kinship", "children's home", "secure", "supported or independent", "with parents", "other",
    "custody",
)  # fmt: skip

# Where a child is in its schooling, and what it had lived through before it came into observation.
MAINSTREAM, SUSPENDED, PART_TIME, ALTERNATIVE, ABSENT = range(5)
WAS_LOOKED_AFTER, WAS_SUSPENDED, WAS_EXCLUDED, WAS_MISSING = range(4)

# Forms of exploitation, and the stages of those that are not by a line.
BY_A_LINE, SEXUALLY, BY_OTHERS = range(3)
FORM_NAMES = ("criminal, by a line", "sexual", "criminal, otherwise")
GROOMING, EXPLOITED, OUT = range(3)

# Why a child goes missing, and what is noted of an episode.
CONFLICT, FAMILY, LINE, DEBT, SEXUAL = range(5)
POLICE, AUTHORITY, OVERNIGHT, LOOKED_AFTER, OLDER, OUTSIDE, FOUND, HIGH_RISK = 1, 2, 4, 8, 16, 32, 64, 128

# Harm while away.
ASSAULT, SEXUAL_ASSAULT, INJURY, THREATENED, DEATH = range(5)
HARM_NAMES = ("assault", "sexual assault", "injury", "threat", "death")

# Where a recruiter meets a child; ways in; what debt is made of; who holds a position; how a child got out.
STREET, SCHOOL, HOME, ONLINE, SOMEWHERE_ELSE = range(5)
MONEY, AFFECTION, STATUS, THREAT = range(4)
GIFTS, ROBBERY, SEIZURE = range(3)
BY_ADULT, BY_CHILD, BY_CHILD_OF_ELSEWHERE, BY_RELATIVE_OR_FRIEND, BY_SAME_GROWN_UP, BY_NOBODY = range(6)
TRIED, CLOSED, IN_CUSTODY = range(3)

# Where police meet an exploited child, and how they respond.
ON_THE_LINE, AT_A_CLOSURE, IN_THE_STREET = range(3)
SAFEGUARDING, CRIMINAL = range(2)

# Agencies, the kinds of signal they hold, and the factors that an assessment names.
POLICE_FORCE, SOCIAL_CARE, EDUCATION, HEALTH, ALL = range(5)
AGENCY_NAMES = ("police", "social care", "education", "health", "all together")
EPISODE, MET, DISCLOSURE, SCHOOL_SAW, HOSPITAL_SAW, INTELLIGENCE = range(6)
SIGNAL_NAMES = ("missing episode", "met by police", "disclosure in a return interview", "put out of school", "hospital", "intelligence")
CRIMINAL_FACTOR, GANG_FACTOR, SEXUAL_FACTOR, MISSING_FACTOR = 1, 2, 4, 8

# Why a child's worker changed.
TURNOVER, AFTER_A_MOVE, HELP_BEGINS, HELP_ENDS = range(4)

# How a placement ended; who is given a bed first; how a child left observation, if not by turning eighteen.
CARE_ENDED, BROKE_DOWN, MOVED_BY_POLICY, WAS_REMANDED = range(4)
ENTRY, MOVE, GUEST = range(3)
HAS_DIED, WAS_TRANSFERRED = 4, 8

# Who pays, and for what (placements come first: one item for each setting from FOSTER on).
SOCIAL_CARE_BUDGET, POLICE_BUDGET, HEALTH_BUDGET, EDUCATION_BUDGET, JUSTICE_BUDGET, FAMILY_BUDGET = range(6)
(
    EPISODES, CHILDREN_MET, CLOSURES, INTERVIEWS, ASSESSMENTS, HELP, SOCIAL_WORK, HOSPITAL, ALTERNATIVE_PROVISION, DAYS_LOST, POLICIES,
) = range(9, 20)  # fmt: skip

NEVER = -32768  # of a day
FOR_EVER = 1 << 30  # the day on which a hold without end is released
MONTH, YEAR = 30.4375, 365.25  # days
FAR_KM = 32.187  # twenty miles
NEIGHBOURHOOD, CORNERS = 600, 10  # children aged 10 to 17; parts of it, one of which a contact may reach
