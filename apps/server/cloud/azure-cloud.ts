// The clouds of Azure: where they give out tokens, and where their resources are managed. Source: Azure documentation,
// "National clouds".

/** One cloud. URLs end without a slash. */
export interface AzureCloud {
  /** Gives out tokens. */
  readonly authority: string;
  /** Whom tokens for the management of resources are meant for, as Azure writes it. */
  readonly managementAudience: string;
  /** Manages resources. */
  readonly management: string;
}

const PUBLIC: AzureCloud = {
  authority: "https://login.microsoftonline.com",
  managementAudience: "https://management.core.windows.net/",
  management: "https://management.azure.com",
};
const CHINA: AzureCloud = {
  authority: "https://login.chinacloudapi.cn",
  managementAudience: "https://management.core.chinacloudapi.cn",
  management: "https://management.chinacloudapi.cn",
};
const GOVERNMENT: AzureCloud = {
  authority: "https://login.microsoftonline.us",
  managementAudience: "https://management.core.usgovcloudapi.net",
  management: "https://management.usgovcloudapi.net",
};

/** By their names, in capitals. Germany's own cloud is closed; its name means the public one. */
const CLOUDS: Readonly<Record<string, AzureCloud>> = {
  AZURECHINACLOUD: CHINA,
  AZURECLOUD: PUBLIC,
  AZUREGERMANCLOUD: PUBLIC,
  AZUREPUBLICCLOUD: PUBLIC,
  AZUREUSGOVERNMENT: GOVERNMENT,
  AZUREUSGOVERNMENTCLOUD: GOVERNMENT,
};

/** The cloud of this name, in whatever case. Throws for an unknown one. */
export function azureCloud(name: string): AzureCloud {
  const cloud = CLOUDS[name.toUpperCase()];
  if (cloud === undefined) {
    throw new Error(`there is no cloud configuration matching the name ${JSON.stringify(name.toUpperCase())}`);
  }
  return cloud;
}
