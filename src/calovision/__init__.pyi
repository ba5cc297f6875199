from .api import simulate as simulate
from .api.compare import compare as compare
from .api.data import convert as convert
from .api.data import export as export
from .api.data import fetch as fetch
from .api.data import from_particles as from_particles
from .api.data import load as load
from .api.data import open as open
from .api.data import save as save
from .api.results import Results as Results
from .api.sets import merge as merge
from .api.sets import select as select
from .api.sets import split as split
from .events.dense import from_images as from_images
from .events.events import Events as Events
from .events.events import concatenate as concatenate
from .events.geometry import EGAMMA_CROPS as EGAMMA_CROPS
from .events.geometry import JET_IMAGES as JET_IMAGES
from .events.geometry import Channel as Channel
from .events.geometry import Geometry as Geometry
from .events.reader import EventStore as EventStore

__version__: str
