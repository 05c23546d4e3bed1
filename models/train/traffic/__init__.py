"""A small rendered street: cars that pass a parked camera, for clips whose truth is known exactly.

Nothing here is photographed or copied. Start reading at `stage.py`.
"""

from models.train.traffic.cars import SHAPES, Car, build_car
from models.train.traffic.scene import Camera, Floats, Image, Light, Surfaces
from models.train.traffic.stage import Stage
from models.train.traffic.street import Place

__all__ = ["SHAPES", "Camera", "Car", "Floats", "Image", "Light", "Place", "Stage", "Surfaces", "build_car"]
