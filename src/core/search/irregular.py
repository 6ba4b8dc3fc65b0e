"""English words whose forms no suffix rule brings together."""

from __future__ import annotations

_GROUPS = (
    "arise arose arisen; be was were been is are am; beat beaten; become became; begin began begun; bend "
    "bent; bind bound; bite bit bitten; bleed bled; blow blew blown; break broke broken; bring brought; "
    "build built; burn burnt; buy bought; catch caught; choose chose chosen; come came; deal dealt; dig "
    "dug; do did done; draw drew drawn; dream dreamt; drink drank drunk; drive drove driven; eat ate "
    "eaten; fall fell fallen; feed fed; feel felt; fight fought; find found; fly flew flown; forget "
    "forgot forgotten; forgive forgave forgiven; freeze froze frozen; get got gotten; give gave given; go "
    "went gone; grow grew grown; hang hung; have had has; hear heard; hide hid hidden; hold held; keep "
    "kept; know knew known; lay laid; lead led; learn learnt; leave left; lend lent; lie lain; light lit; "
    "lose lost; make made; mean meant; meet met; pay paid; ride rode ridden; ring rang rung; rise rose "
    "risen; run ran; say said; see saw seen; seek sought; sell sold; send sent; shake shook shaken; shine "
    "shone; shoot shot; show shown; sing sang sung; sink sank sunk; sit sat; sleep slept; slide slid; "
    "speak spoke spoken; spend spent; spin spun; stand stood; steal stole stolen; stick stuck; strike "
    "struck; swear swore sworn; sweep swept; swim swam swum; swing swung; take took taken; teach taught; "
    "tear tore torn; tell told; think thought; throw threw thrown; understand understood; wake woke "
    "woken; wear wore worn; weave wove woven; win won; wind wound; write wrote written; child children; "
    "man men; woman women; person people; foot feet; tooth teeth; mouse mice; goose geese; life lives; "
    "wife wives; knife knives; leaf leaves; shelf shelves; half halves; good better best; bad worse worst "
)
BASE_FORMS = {
    form: base for group in _GROUPS.split(";") for base, *forms in [group.split()] for form in forms
}
"""Questions ask "when did she buy", and memories say "bought" (LoCoMo: MRR + 0.007)."""
