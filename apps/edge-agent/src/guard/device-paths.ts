/**
 * Where Linux keeps the devices of a class that policies name (`device_classes`), as patterns of paths. Names of the
 * kernel's admin-guide/devices.txt and of the drivers themselves.
 */
export const DEVICE_PATHS: Readonly<Record<string, readonly string[]>> = {
  camera: ['/dev/video*', '/dev/media*'],
  microphone: ['/dev/snd/**', '/dev/dsp*'],
  audio: ['/dev/snd/**', '/dev/dsp*'],
  usb: ['/dev/bus/usb/**'],
  input: ['/dev/input/**', '/dev/uinput'],
  serial: ['/dev/ttyS*', '/dev/ttyUSB*', '/dev/ttyACM*'],
  gpu: ['/dev/dri/**', '/dev/nvidia*', '/dev/kfd'],
  disk: ['/dev/sd*', '/dev/nvme*', '/dev/vd*', '/dev/mapper/**', '/dev/loop*'],
  tpm: ['/dev/tpm*', '/dev/tpmrm*'],
};
