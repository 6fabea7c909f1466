export interface Manufacturer {
  name: string;
  /** `virtual`: software that plays a TPM for a virtual machine, or may. */
  kind: 'chip' | 'virtual';
}

/** Vendor ids of the TCG Vendor ID Registry, and those that clouds and hypervisors answer with. */
const MANUFACTURERS: Readonly<Record<string, Manufacturer>> = {
  AMD: { name: 'AMD', kind: 'chip' },
  AMZN: { name: 'Amazon (NitroTPM)', kind: 'virtual' },
  ATML: { name: 'Atmel', kind: 'chip' },
  BRCM: { name: 'Broadcom', kind: 'chip' },
  CSCO: { name: 'Cisco', kind: 'chip' },
  GOOG: { name: 'Google (Shielded VM)', kind: 'virtual' },
  HISI: { name: 'Huawei', kind: 'chip' },
  HPE: { name: 'HPE', kind: 'chip' },
  HPI: { name: 'HP', kind: 'chip' },
  IBM: { name: 'IBM (libtpms, swtpm)', kind: 'virtual' },
  IFX: { name: 'Infineon', kind: 'chip' },
  INTC: { name: 'Intel', kind: 'chip' },
  LEN: { name: 'Lenovo', kind: 'chip' },
  // Pluton chips and Hyper-V's virtual TPM answer alike: the weaker one is assumed.
  MSFT: { name: 'Microsoft', kind: 'virtual' },
  NSM: { name: 'National Semiconductor', kind: 'chip' },
  NTC: { name: 'Nuvoton', kind: 'chip' },
  NTZ: { name: 'Nationz', kind: 'chip' },
  QCOM: { name: 'Qualcomm', kind: 'chip' },
  SMSN: { name: 'Samsung', kind: 'chip' },
  STM: { name: 'STMicroelectronics', kind: 'chip' },
  TXN: { name: 'Texas Instruments', kind: 'chip' },
  VMW: { name: 'VMware', kind: 'virtual' },
  WEC: { name: 'Winbond', kind: 'chip' },
};

/** @param id four letters or fewer, as the TPM says it */
export function manufacturer(id: string): Manufacturer | undefined {
  return Object.hasOwn(MANUFACTURERS, id) ? MANUFACTURERS[id] : undefined;
}
