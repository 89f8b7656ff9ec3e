/** A number DCGM tells of a device. */
interface Counter {
  /** DCGM's field, or dcgm-exporter's own. */
  readonly field: string;
  readonly type: "gauge" | "counter";
  readonly help: string;
}

const gauge = (field: string, help: string): Counter => ({ field, type: "gauge", help });
const counter = (field: string, help: string): Counter => ({ field, type: "counter", help });

/**
 * What is told of each device. The exporter's default leaves out what failing hardware is known by: errors of memory, errors of
 * NVLink, time spent throttled, and counts of XID errors (of which the default tells only the last one, for ever).
 *
 * Read 2026-09: NVIDIA/dcgm-exporter, etc/default-counters.csv; docs.nvidia.com, DCGM API, "Field Identifiers".
 */
const COUNTERS: readonly Counter[] = [
  gauge("DCGM_FI_DEV_SM_CLOCK", "SM clock in MHz."),
  gauge("DCGM_FI_DEV_MEM_CLOCK", "Memory clock in MHz."),
  gauge("DCGM_FI_DEV_GPU_TEMP", "Temperature in degrees C."),
  gauge("DCGM_FI_DEV_MEMORY_TEMP", "Temperature of the memory in degrees C."),
  gauge("DCGM_FI_DEV_POWER_USAGE", "Power draw in W."),
  gauge("DCGM_FI_DEV_ENFORCED_POWER_LIMIT", "Power limit in W."),
  counter("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "Energy since boot in mJ."),
  gauge("DCGM_FI_DEV_GPU_UTIL", "Time in which any kernel ran in %."),
  gauge("DCGM_FI_DEV_FB_USED", "Memory in use in MiB."),
  gauge("DCGM_FI_DEV_FB_FREE", "Memory free in MiB."),
  gauge("DCGM_FI_DEV_FB_RESERVED", "Memory the driver keeps in MiB."),
  gauge("DCGM_FI_DEV_XID_ERRORS", "Last XID error."),
  gauge("DCGM_EXP_XID_ERRORS_COUNT", "XID errors in the window."),
  gauge("DCGM_FI_DEV_CLOCKS_EVENT_REASONS", "Why clocks are held down as a bit mask."),
  counter("DCGM_FI_DEV_POWER_VIOLATION", "Time throttled for power in ns."),
  counter("DCGM_FI_DEV_THERMAL_VIOLATION", "Time throttled for heat in ns."),
  counter("DCGM_FI_DEV_ECC_SBE_VOL_TOTAL", "Memory errors corrected since the driver was loaded."),
  counter("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", "Memory errors not corrected since the driver was loaded."),
  counter("DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS", "Rows remapped for corrected errors."),
  counter("DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS", "Rows remapped for errors not corrected."),
  gauge("DCGM_FI_DEV_ROW_REMAP_FAILURE", "Whether remapping of rows has failed."),
  gauge("DCGM_FI_DEV_ROW_REMAP_PENDING", "Whether rows wait for a reset to be remapped."),
  counter("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "PCIe retries."),
  counter("DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", "NVLink traffic of all lanes."),
  counter("DCGM_FI_DEV_NVLINK_CRC_FLIT_ERROR_COUNT_TOTAL", "NVLink flow-control errors."),
  counter("DCGM_FI_DEV_NVLINK_RECOVERY_ERROR_COUNT_TOTAL", "NVLink recovery errors."),
  counter("DCGM_FI_DEV_NVLINK_REPLAY_ERROR_COUNT_TOTAL", "NVLink retries."),
  gauge("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "Share of time in which the compute engine was active."),
  gauge("DCGM_FI_PROF_SM_ACTIVE", "Share of time in which an SM had work."),
  gauge("DCGM_FI_PROF_SM_OCCUPANCY", "Share of warps resident on an SM."),
  gauge("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "Share of cycles in which tensor cores were active."),
  gauge("DCGM_FI_PROF_DRAM_ACTIVE", "Share of cycles in which memory moved data."),
];

/** The exporter's file: a field, the type and the help a line. */
export function countersFile(): string {
  return COUNTERS.map(({ field, type, help }) => `${field}, ${type}, ${help}\n`).join("");
}
