/**
 * What the operator CLI takes from the environment. Tokens have no flags: a command line is visible to every
 * user of the machine.
 */

export interface OperatorConfig {
  url: string | undefined;
  apiToken: string | undefined;
  operatorToken: string | undefined;
}

export function operatorConfig(): OperatorConfig {
  const {
    SALLYPORT_URL: url,
    SALLYPORT_API_TOKEN: apiToken,
    SALLYPORT_OPERATOR_TOKEN: operatorToken,
  } = process.env;
  return { url, apiToken, operatorToken };
}
