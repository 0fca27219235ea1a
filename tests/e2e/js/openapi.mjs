// Validates an OpenAPI document (standard input) against the schemas of its version.
// Writes a line an error; the exit code is 1 when there is one.
import { Validator } from "@seriousme/openapi-schema-validator";

let text = "";
for await (const chunk of process.stdin) text += chunk;

const validator = new Validator();
const result = await validator.validate(JSON.parse(text));
console.log(`OpenAPI ${validator.version}`);
for (const error of result.valid ? [] : [result.errors].flat()) console.log(JSON.stringify(error));
process.exit(result.valid ? 0 : 1);
