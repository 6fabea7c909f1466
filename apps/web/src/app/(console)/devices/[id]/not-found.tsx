export { DeviceNotFound as default } from '@/features/devices/device-not-found.tsx';
